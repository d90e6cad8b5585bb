"""Finding a person's joints, following, cleaning, retargeting and drawing them; the `.motion` file."""
