package tenant

// Settings are what an operator decides about one tenant. They are a plain
// value: Directory.Change gives a copy to change.
type Settings struct {
	// Limits are what the tenant may use.
	Limits Limits
	// Introspection lets operations ask for the schema, by __schema and __type.
	Introspection bool
	// Debug shows subscribers what a guest's fault says, not just its code.
	Debug bool
	// Auth says who may subscribe. It is never nil, and never written: to change it,
	// put another there.
	Auth *Auth
}

// defaultAuth is what all tenants share that were given none.
var defaultAuth = DefaultAuth()

// DefaultSettings are those of a tenant that was given none.
func DefaultSettings() Settings {
	return Settings{Limits: DefaultLimits(), Introspection: true, Auth: &defaultAuth}
}

// validate gives a *LimitsError or an *AuthError.
func (s *Settings) validate() error {
	if err := s.Limits.Validate(); err != nil {
		return err
	}
	return s.Auth.Validate()
}
