//! One test for each thing that was found broken.
