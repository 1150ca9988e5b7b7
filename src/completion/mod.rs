//! What to ask and what to show.
