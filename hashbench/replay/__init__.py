"""Work on what earlier trials left: stored records, codes and fitted methods."""
