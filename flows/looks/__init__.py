"""All that makes a look: the monitor, a closed report, a replay, the nightly check of what was made."""
