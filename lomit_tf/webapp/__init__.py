"""The page where a person repaints the masks. Only page.py and serving.py know Gradio."""
