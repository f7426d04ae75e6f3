"""The provisioning station for the Digital Security Card+ and the records around it."""
