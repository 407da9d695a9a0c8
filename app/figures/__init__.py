"""Pure calculations on loaded frames, without Streamlit or queries."""
