"""Programs that send with the libraries of Segment, RudderStack and Jitsu, as they are on their registries."""
