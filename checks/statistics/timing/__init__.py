"""Tests of whether events are locked to dosing: self-controlled, scanning and sequential; one method a file."""
