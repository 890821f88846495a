"""One module per feature: plain values in, plain values out. Nothing here knows Gradio."""
