//! People are links: from a set of links, corrections and limits to customers. A pure function of its input; arrival
//! plays no part.
