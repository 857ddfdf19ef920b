"""While a study is served: what arrives is taken in, a look is begun, alerts have their turn, reviews are opened."""
