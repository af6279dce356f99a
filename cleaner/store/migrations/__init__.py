"""The migrations, packaged with the program."""
