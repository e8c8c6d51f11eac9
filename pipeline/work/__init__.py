"""Where tasks run: executors, their workers, and what becomes of a task."""
