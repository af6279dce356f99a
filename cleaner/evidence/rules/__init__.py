"""
The rules: each file is one, its name is its name, and their order does not matter.

See docs/add-a-rule.md.
"""
