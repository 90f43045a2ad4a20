"""The HTML pages of an evaluation and of a user study, as Jinja2 templates."""
