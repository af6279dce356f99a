"""The steps of the pipeline, each in its own file; `cleaner.pipeline` puts them in order."""
