"""One file per part of the page. Each builds Gradio components and holds no events."""
