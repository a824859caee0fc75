"""What people wear on their heads: caps, hats, beanies, helmets, scarves, hoods, turbans."""
