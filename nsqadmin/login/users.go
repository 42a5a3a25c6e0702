package login

import (
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"strings"
	"sync"
	"time"

	"golang.org/x/crypto/bcrypt"
)

// Bounds of checking passwords, which is slow by intention.
const (
	checksAtOnce  = 2
	maxRemembered = 1000             // right passwords that are remembered
	rememberFor   = 10 * time.Minute // so long
)

// User is who has logged in.
type User struct {
	Name  string
	Admin bool
}

type account struct {
	User
	hash []byte
}

// Users are those who may log in. They are safe for concurrent use.
type Users struct {
	accounts map[string]account
	// nobody is the hash that an unknown user's password is compared with, so
	// that it takes as long as a known one's.
	nobody []byte
	slots  chan struct{}

	mu    sync.Mutex
	right map[[sha256.Size]byte]time.Time // name and password, until when
}

var errUser = errors.New("a user is NAME:ROLE:HASH, the role read or admin, the hash of bcrypt")

// ParseUsers returns the users that options name; nil if there are none.
func ParseUsers(options []string) (*Users, error) {
	if len(options) == 0 {
		return nil, nil
	}
	u := &Users{accounts: map[string]account{}, slots: make(chan struct{}, checksAtOnce), right: map[[sha256.Size]byte]time.Time{}}
	highest := bcrypt.MinCost
	for _, option := range options {
		parts := strings.SplitN(option, ":", 3)
		if len(parts) != 3 || parts[0] == "" || parts[1] != "read" && parts[1] != "admin" {
			return nil, fmt.Errorf("user %q: %w", parts[0], errUser)
		}
		cost, err := bcrypt.Cost([]byte(parts[2]))
		if err != nil {
			return nil, fmt.Errorf("user %q: %w: %w", parts[0], errUser, err)
		}
		highest = max(highest, cost)
		u.accounts[parts[0]] = account{User{parts[0], parts[1] == "admin"}, []byte(parts[2])}
	}
	var err error
	if u.nobody, err = bcrypt.GenerateFromPassword([]byte(rand.Text()), highest); err != nil {
		return nil, err
	}
	return u, nil
}

// Check returns the user if the password is right.
func (u *Users) Check(name, password string) (User, bool) {
	a, known := u.accounts[name]
	key := sha256.Sum256([]byte(name + "\x00" + password))
	now := time.Now()
	u.mu.Lock()
	remembered := known && now.Before(u.right[key])
	u.mu.Unlock()
	if remembered {
		return a.User, true
	}
	if !known {
		a.hash = u.nobody
	}
	u.slots <- struct{}{}
	err := bcrypt.CompareHashAndPassword(a.hash, []byte(password))
	<-u.slots
	if err != nil || !known {
		return User{}, false
	}
	u.mu.Lock()
	if len(u.right) >= maxRemembered {
		clear(u.right)
	}
	u.right[key] = now.Add(rememberFor)
	u.mu.Unlock()
	return a.User, true
}
