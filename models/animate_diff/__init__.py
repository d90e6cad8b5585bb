"""AnimateDiff: a picture model that motion modules let move, led by drawn poses."""
