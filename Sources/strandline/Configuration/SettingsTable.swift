import AuditActions

/// Every setting there is. A new one is added here, in `SettingsTable.all` and in the option group of the commands that
/// take it; tests compare the three.
enum SettingsTable {
  static let bootstrapServers = Setting(
    "bootstrap-servers", in: .kafka, .brokers, default: "127.0.0.1:9092", "Kafka brokers to start from")
  static let topic = Setting(
    "topic", in: .kafka, .topicName, default: "audit.actions", "Topic the actions travel through")
  static let deadLetterTopic = Setting(
    "dead-letter-topic", in: .kafka, .topicName,
    "Topic for records that break the contract; without it, the topic's name and .dlq")

  static let queuesTopic = Setting(
    "queues-topic", in: .kafka, .topicName, default: "audit.queues",
    "Compacted topic that holds the metadata of queues: which of them are audited")

  static let data = Setting(
    "data", in: .store, .text("DIR", completion: .directory), default: "/var/lib/strandline",
    "Directory of the store, used by one process at a time; dev without it uses a temporary one")
  static let defaultTTL = Setting(
    "default-ttl", in: .store, .integer("SECONDS", 1...1_209_600), default: "300",
    "Time to live, in seconds, of actions whose record names none")
  static let auditDefault = Setting<AuditDefault>(
    "audit-default", in: .store, .choice, default: "declared",
    "What holds for queues whose metadata does not say whether they are audited: only declared ones are, or all; dev without it keeps all"
  )
  static let storeBudget = Setting(
    "store-budget-bytes", in: .store, .bytes(atLeast: 64 << 20, zeroMeans: "no budget but the disk"), default: "0",
    "Most bytes the store may use; when they are used up, ingest pauses until actions expire")
  static let markerKey = Setting(
    "marker-key", in: .store, .sealingKey, isSecret: true,
    "Key that seals markers and ids, 32 bytes in Base64, the same on every node; without it, one made in the data directory"
  )

  static let listen = Setting(
    "listen", in: .feed, .address, default: "127.0.0.1:8080", "Address of the feed; port 0 takes a free one")
  static let managementListen = Setting(
    "management-listen", in: .feed, .address,
    "Separate address for /livez, /readyz, /metrics and /counters; without it, they are on the feed's")
  static let stalenessBound = Setting(
    "staleness-bound", in: .feed, .integer("SECONDS", 1...3_600), default: "10",
    "Longest time, in seconds, since the topic was last read to its end after which the feed still vouches for an empty page"
  )
  static let archiveURL = Setting(
    "archive-url", in: .feed, .text("URL"),
    "Where 'archive --to' puts the same topic; gap statements then carry a link to it")

  static let aceQueue = Setting(
    "ace-queue", in: .feed, .queue, default: "ace/auditlog",
    "Project and queue of events that come by Apache ACE's protocol; the project's logs are those it shows")

  static let logLevel = Setting<LogLevelName>(
    "log-level", in: .operations, .choice, default: "info", "Least severe log line to write")
  static let logFormat = Setting<LogFormat>(
    "log-format", in: .operations, .choice, default: "auto",
    "Form of log lines; auto writes text on a terminal and JSON lines elsewhere")
  static let shutdownTimeout = Setting(
    "shutdown-timeout", in: .operations, .integer("SECONDS", 1...300), default: "25",
    "Time, in seconds, from SIGTERM to exit, in which requests end and what is outstanding is stored")
  static let json = Setting(
    "json", in: .operations, .onOff, default: "false", "Write NDJSON on standard output, not text for people")
  static let demo = Setting("demo", in: .operations, .onOff, default: "false", "Run simulated queue workers (dev only)")

  static let partitions = Setting(
    "partitions", in: .topicCreation, .integer("COUNT", 1...10_000), default: "12",
    "Partitions of a topic that is created")
  static let replicationFactor = Setting(
    "replication-factor", in: .topicCreation, .integer("COUNT", 1...32),
    "Copies of each partition of a topic that is created; without it, the cluster's default")
  static let retentionHours = Setting(
    "retention-hours", in: .topicCreation, .integer("HOURS", 337...87_600), default: "504",
    "Retention of a topic that is created; above the longest TTL (336 h) by the longest outage to survive")

  static let strictEvents = Setting(
    "strict-events", in: .emission, .onOff, default: "false",
    "Refuse event types that are neither built in nor under 'events' in the configuration file")

  static let project = Setting("project", in: .action, .text("PROJECT"), "Project of the queue")
  static let queue = Setting("queue", in: .action, .text("QUEUE"), "Name of the queue")
  static let event = Setting("event", in: .action, .text("EVENT"), "Type of the action, for example MessageDeleted")
  static let details = Setting(
    "details", in: .action, .text("JSON"), default: "{}", "Details of the action, a JSON object")
  static let ttl = Setting(
    "ttl", in: .action, .integer("SECONDS", 1...1_209_600),
    "Time to live of the action; without it, the feed's default-ttl")

  static let checksum = Setting(
    "checksum", in: .proof, .onOff, default: "false", "Give each action that is emitted a CRC-32C of itself")
  static let actionSigningKey = Setting(
    "action-signing-key", in: .proof, .text("PEM"), isSecret: true,
    "Ed25519 key that signs each action that is emitted, PEM (PKCS#8); without it they are not signed")
  static let sourceKeys = Setting(
    "source-keys", in: .proof, .text("FILE", completion: .file),
    "File of the public keys that sources sign with: each source in a line, then its key in PEM")
  static let requireSignatures = Setting<RequiredSignaturesName>(
    "require-signatures", in: .proof, .choice, default: "none",
    "Sources whose actions have to be signed: none, those of source-keys (known), or all, so that others are refused")

  static let to = Setting(
    "to", in: .archive, .text("URL"),
    "Where the archive is: file:///folder, s3://bucket/prefix or swift://container/prefix")
  static let group = Setting(
    "group", in: .archive, .text("GROUP"), default: "strandline.archive",
    "Consumer group of the archive; its members share the partitions")
  static let objectRecords = Setting(
    "object-records", in: .archive, .integer("COUNT", 1...10_000_000), default: "100000",
    "Records after which an object is closed")
  static let objectBytes = Setting(
    "object-bytes", in: .archive, .integer("BYTES", 1...(1 << 40)), default: "67108864",
    "Bytes of lines, before they are packed, after which an object is closed")
  static let period = Setting(
    "period", in: .archive, .integer("SECONDS", 1...86_400), default: "3600",
    "Length of the periods that objects and manifests do not cross; divides a day")
  static let lateness = Setting(
    "lateness", in: .archive, .integer("SECONDS", 0...86_400), default: "120",
    "How long after its end a quiet partition's period is closed; more than clocks may differ")
  static let compression = Setting<ArchiveCompressionName>(
    "compression", in: .archive, .choice, default: "gzip", "How objects are packed")
  static let byProject = Setting(
    "by-project", in: .archive, .onOff, default: "false", "Give each project objects of its own, under project=NAME/")
  static let signingKey = Setting(
    "signing-key", in: .archive, .text("PEM"), isSecret: true,
    "Ed25519 key that signs manifests, PEM (PKCS#8); without it they are not signed")
  static let spool = Setting(
    "spool", in: .archive, .text("DIR", completion: .directory),
    "Directory in which the archive builds objects, three object-bytes a partition at most; without it, the system's temporary one. Not that of emit, which is given by its flag only"
  )

  static let url = Setting("url", in: .client, .url, default: "http://127.0.0.1:8080", "Address of the feed to read")

  /// In the order of the reference.
  static let all: [SettingDefinition] = [
    bootstrapServers.definition, topic.definition, deadLetterTopic.definition, queuesTopic.definition, data.definition,
    defaultTTL.definition, auditDefault.definition,
    storeBudget.definition, markerKey.definition, listen.definition, managementListen.definition,
    stalenessBound.definition, archiveURL.definition, aceQueue.definition, logLevel.definition, logFormat.definition,
    shutdownTimeout.definition, json.definition,
    demo.definition, partitions.definition, replicationFactor.definition, retentionHours.definition,
    strictEvents.definition, project.definition,
    queue.definition, event.definition, details.definition, ttl.definition, checksum.definition,
    actionSigningKey.definition, sourceKeys.definition, requireSignatures.definition, to.definition, group.definition,
    objectRecords.definition,
    objectBytes.definition, period.definition, lateness.definition, compression.definition, byProject.definition,
    signingKey.definition, spool.definition, url.definition,
  ]

  static let byKey: [String: SettingDefinition] = Dictionary(
    all.map { ($0.key, $0) }, uniquingKeysWith: { first, _ in first })
}

/// The names of log levels, as swift-log spells them.
enum LogLevelName: String, CaseIterable, Sendable {
  case trace, debug, info, notice, warning, error, critical
}

/// How the objects of an archive are packed.
enum ArchiveCompressionName: String, CaseIterable, Sendable {
  case gzip, zstd
}

/// Which records have to be signed.
enum RequiredSignaturesName: String, CaseIterable, Sendable {
  case none, known, all
}

/// How log lines look.
enum LogFormat: String, CaseIterable, Sendable {
  case auto, text, json
}
