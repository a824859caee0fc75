"""Headwear: caps, hats, beanies, helmets, scarves, hoods, turbans."""
