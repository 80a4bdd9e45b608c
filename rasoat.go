// Package rasoat holds nothing but the tests of the house itself: who may import whom. The programs are in server and mobile.
package rasoat
