"""Commands for developers: benchmark, screenshots and recording of presets, in a real browser."""
