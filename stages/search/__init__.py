"""Search: find every two images whose blind vectors are near, without missing any."""
