import ArgumentParser

/// How the topic is archived.
struct ArchiveFlags: SettingFlags {
  @Option(SettingsTable.to) var to: String?
  @Option(SettingsTable.group) var group: String?
  @Option(SettingsTable.objectRecords) var objectRecords: String?
  @Option(SettingsTable.objectBytes) var objectBytes: String?
  @Option(SettingsTable.period) var period: String?
  @Option(SettingsTable.lateness) var lateness: String?
  @Option(SettingsTable.compression) var compression: String?
  @Flag(SettingsTable.byProject) var byProject: Bool = false
  @Option(SettingsTable.signingKey) var signingKey: String?
  @Option(fileOf: SettingsTable.signingKey) var signingKeyFile: String?
  @Option(SettingsTable.spool) var spool: String?

  var given: [(key: String, text: String?)] {
    [
      ("to", to), ("group", group), ("object-records", objectRecords), ("object-bytes", objectBytes),
      ("period", period), ("lateness", lateness), ("compression", compression),
      ("by-project", byProject ? "true" : nil), ("signing-key", signingKey), ("signing-key-file", signingKeyFile),
      ("spool", spool),
    ]
  }
}

/// Of a process that runs for long and has no feed.
struct ServiceFlags: SettingFlags {
  @Option(SettingsTable.managementListen) var managementListen: String?
  @Option(SettingsTable.shutdownTimeout) var shutdownTimeout: String?
  var given: [(key: String, text: String?)] {
    [("management-listen", managementListen), ("shutdown-timeout", shutdownTimeout)]
  }
}
