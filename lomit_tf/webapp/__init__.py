"""The page where a person repaints the masks. Only page.py knows Gradio."""
