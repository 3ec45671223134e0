//! Query parameters, each taken once; what nobody took is refused with the list of what could have been asked.

use super::ReadError;

/// The query of a request.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(Vec<(String, String)>);

impl Parameters {
    /// Wraps decoded pairs.
    pub(crate) fn new(pairs: Vec<(String, String)>) -> Self {
        Self(pairs)
    }

    /// The value of a parameter, which counts as asked from now on. Twice is an error.
    pub(crate) fn take(&mut self, name: &str) -> Result<Option<String>, ReadError> {
        let mut found = self.0.extract_if(.., |(key, _)| key == name).map(|(_, value)| value);
        let first = found.next();
        if found.next().is_some() {
            return Err(ReadError::invalid("repeated_parameter", name, "a parameter stands twice", "give it once"));
        }
        Ok(first)
    }

    /// A flag: `true` or `false`.
    pub(crate) fn flag(&mut self, name: &str) -> Result<bool, ReadError> {
        match self.take(name)?.as_deref() {
            None | Some("false") => Ok(false),
            Some("true" | "") => Ok(true),
            Some(_) => Err(ReadError::invalid("invalid_parameter", name, "not a flag", "true or false")),
        }
    }

    /// Everything that is left.
    pub(crate) fn rest(&mut self) -> Vec<(String, String)> {
        std::mem::take(&mut self.0)
    }

    /// Refuses what nobody took.
    pub(crate) fn finish(&self, allowed: &str) -> Result<(), ReadError> {
        match self.0.first() {
            None => Ok(()),
            Some((name, _)) => Err(ReadError::invalid(
                "unknown_parameter",
                name.chars().take(64).collect::<String>(),
                "this call knows no such parameter",
                format!("allowed: {allowed}"),
            )),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parameters() -> Parameters {
        Parameters::new(vec![("a".into(), "1".into()), ("b".into(), "true".into()), ("a".into(), "2".into())])
    }

    #[test]
    fn each_is_taken_once_and_the_rest_is_refused() {
        let mut asked = parameters();
        assert!(asked.take("a").is_err());
        assert!(asked.flag("b").unwrap());
        assert!(asked.finish("b").is_ok());
        let asked = parameters();
        assert!(matches!(asked.finish("b"), Err(ReadError::Invalid { code: "unknown_parameter", .. })));
    }
}
