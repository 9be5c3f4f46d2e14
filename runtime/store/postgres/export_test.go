package postgres

// CompareEvery is how soon a poll finds what no notice told of.
const CompareEvery = compareEvery
