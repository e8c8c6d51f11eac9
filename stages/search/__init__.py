"""Search: every two images whose blind vectors are near, none missed."""
