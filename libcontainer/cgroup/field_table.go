package cgroup

// fileFields says which member of linux.resources a control file is written for. An array,
// for the linker to lay out: it is read only when something is missing.
var fileFields = [...]struct{ file, field string }{
	{"pids.max", "pids.limit"},
	{"memory.max", "memory.limit"}, {"memory.limit_in_bytes", "memory.limit"},
	{"memory.low", "memory.reservation"}, {"memory.soft_limit_in_bytes", "memory.reservation"},
	{"memory.swap.max", "memory.swap"}, {"memory.memsw.limit_in_bytes", "memory.swap"},
	{"memory.swappiness", "memory.swappiness"},
	{"memory.oom_control", "memory.disableOOMKiller"},
	{"memory.current", "memory.checkBeforeUpdate"}, {"memory.usage_in_bytes", "memory.checkBeforeUpdate"},
	{"cpu.weight", "cpu.shares"}, {"cpu.shares", "cpu.shares"},
	{"cpu.max", "cpu.quota"}, {"cpu.cfs_quota_us", "cpu.quota"}, {"cpu.cfs_period_us", "cpu.period"},
	{"cpu.max.burst", "cpu.burst"}, {"cpu.cfs_burst_us", "cpu.burst"},
	{"cpu.rt_runtime_us", "cpu.realtimeRuntime"}, {"cpu.rt_period_us", "cpu.realtimePeriod"},
	{"cpu.idle", "cpu.idle"},
	{"cpuset.cpus", "cpu.cpus"}, {"cpuset.mems", "cpu.mems"},
	{"io.weight", "blockIO.weight"}, {"io.bfq.weight", "blockIO.weightDevice"},
	{"blkio.weight", "blockIO.weight"}, {"blkio.bfq.weight", "blockIO.weight"},
	{"blkio.weight_device", "blockIO.weightDevice"}, {"blkio.bfq.weight_device", "blockIO.weightDevice"},
	{"blkio.leaf_weight", "blockIO.leafWeight"}, {"blkio.leaf_weight_device", "blockIO.weightDevice"},
	{"io.max", "blockIO.throttle*Device"},
	{"blkio.throttle.read_bps_device", "blockIO.throttleReadBpsDevice"},
	{"blkio.throttle.write_bps_device", "blockIO.throttleWriteBpsDevice"},
	{"blkio.throttle.read_iops_device", "blockIO.throttleReadIOPSDevice"},
	{"blkio.throttle.write_iops_device", "blockIO.throttleWriteIOPSDevice"},
	{"rdma.max", "rdma"},
	{"net_cls.classid", "network.classID"}, {"net_prio.ifpriomap", "network.priorities"},
	// Of a controller, where its file is not known.
	{"pids", "pids.limit"}, {"cpuset", "cpu.cpus and mems"}, {"blkio", "blockIO"}, {"io", "blockIO"},
	{"hugetlb", "hugepageLimits"}, {"net_cls", "network.classID"}, {"net_prio", "network.priorities"},
}
