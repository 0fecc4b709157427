package spec

// Variable is the value of a variable in process.env: the last one of that name, which is the one that counts.
func Variable(env []string, name string) (value string, ok bool) {
	for i := len(env) - 1; i >= 0; i-- {
		if len(env[i]) > len(name) && env[i][len(name)] == '=' && env[i][:len(name)] == name {
			return env[i][len(name)+1:], true
		}
	}
	return "", false
}
