"""Author: what people write of the pairs, kept while they write, and frozen into the questions table."""
