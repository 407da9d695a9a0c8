"""What programs did besides costing money: traces of spans, as lists and as waterfalls."""
