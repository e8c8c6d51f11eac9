"""Author: what people write about the pairs, stored as they write and frozen into the questions table."""
