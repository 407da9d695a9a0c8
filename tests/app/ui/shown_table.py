"""The texts that a reader sees in a table of an AppTest."""

from typing import Any

import pandas as pd
from streamlit.dataframe_util import convert_arrow_bytes_to_pandas_df


def shown_table(element: Any) -> pd.DataFrame:
    """The texts of `app_test.dataframe[n]`, where its `value` has what the columns sort by."""
    return convert_arrow_bytes_to_pandas_df(element.proto.arrow_data.styler.display_values)
