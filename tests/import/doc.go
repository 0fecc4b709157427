// Package importtest tests imports from outside: whole images in, whole trees out. Attacks and formats are tables; other
// tools' unpacking of the same images is the measure where there is one. See bench for the speed of it.
package importtest
