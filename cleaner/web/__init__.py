"""What is served over HTTP, over the use cases: numbers and health, as yet."""
