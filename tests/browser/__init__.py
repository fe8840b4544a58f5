"""What needs a real browser: `t.js`, and the demo's shop page."""
