"""The page where a person repaints the masks. Only page.py, parts.py and server.py know Gradio."""
