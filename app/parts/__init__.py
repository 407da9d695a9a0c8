"""Forms, dialogs and tables that several pages share."""
