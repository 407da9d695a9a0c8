"""Pure calculations on loaded frames: no Streamlit, no reading."""
