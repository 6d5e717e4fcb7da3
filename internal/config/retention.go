package config

import "time"

// Retention says what the daemon removes by its age; 0: it stays.
type Retention struct {
	Unsubscribed Duration `mapstructure:"unsubscribed"` // people, since they left the last list
	Deliveries   Duration `mapstructure:"deliveries"`   // who got an edition, since it ended
	IP           Duration `mapstructure:"ip"`           // network addresses of subscriptions and of the history
}

// shortestRetention bounds what can't be had back: "30m" for "30 months" would
// erase whoever just left.
const shortestRetention = Duration(24 * time.Hour)

func (c *checker) retention() {
	r := c.Retention
	for _, rule := range []struct {
		name string
		age  Duration
	}{{"unsubscribed", r.Unsubscribed}, {"deliveries", r.Deliveries}, {"ip", r.IP}} {
		if path := "retention." + rule.name; c.sound(path) && rule.age > 0 && rule.age < shortestRetention {
			c.complain(path, rule.name+": 90d", "%s is less than a day, and what is removed can't be had back; 0 keeps it", rule.age)
		}
	}
}
