"""Work in the background: the queue, its tasks, and the worker that does them."""
