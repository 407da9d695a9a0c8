"""What a person sees: sign-in pages and the Streamlit dashboard."""
