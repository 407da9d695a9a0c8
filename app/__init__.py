"""The web app: sign-in pages and the Streamlit dashboard."""
