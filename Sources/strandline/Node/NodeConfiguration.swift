import ActionEmitter
import ActionIngest
import ActionProof
import ActionStore
import AuditActions
import FeedServer
import Kafka
import QueueMetadata

/// What one node is made of, out of the settings.
struct NodeConfiguration: Sendable {
  var kafka: KafkaConfiguration
  var topic: String
  var deadLetterTopic: String
  var queuesTopic: String
  var auditDefault: AuditDefault
  var defaultTimeToLiveSeconds: Int32
  var directory: String
  var budgetBytes: Int
  var sealingKey: [UInt8]?
  var listen: NetworkAddress
  var managementListen: NetworkAddress?
  var stalenessBoundSeconds: Int
  var shutdownTimeoutSeconds: Int
  var archiveURL: String?
  var proof: RecordProof
  /// Of what is posted to the feed.
  var checksum: Bool
  var signingKey: ActionSigningKey?
  var aceQueue: QueueAddress

  init(_ settings: Settings) throws(ConfigurationError) {
    kafka = try settings.kafka()
    topic = try settings.value(SettingsTable.topic)
    deadLetterTopic = try settings.value(SettingsTable.deadLetterTopic)
    queuesTopic = try settings.value(SettingsTable.queuesTopic)
    auditDefault = try settings.value(SettingsTable.auditDefault)
    defaultTimeToLiveSeconds = Int32(clamping: try settings.value(SettingsTable.defaultTTL))
    directory = try settings.value(SettingsTable.data)
    budgetBytes = try settings.value(SettingsTable.storeBudget)
    sealingKey = settings[SettingsTable.markerKey]?.bytes
    listen = try settings.value(SettingsTable.listen)
    managementListen = settings[SettingsTable.managementListen]
    stalenessBoundSeconds = try settings.value(SettingsTable.stalenessBound)
    archiveURL = settings[SettingsTable.archiveURL]
    aceQueue = try settings.value(SettingsTable.aceQueue)
    shutdownTimeoutSeconds = try settings.value(SettingsTable.shutdownTimeout)
    proof = try settings.proof()
    (checksum, signingKey) = try settings.seal()
    if let fault = emitter.fault(under: proof) {
      throw ConfigurationError(problems: [
        .init(
          origin: settings.origin(of: SettingsTable.sourceKeys.definition),
          message:
            "what is posted to this feed, as source \(emitter.source), would be refused (\(fault.code.rawValue)): "
            + "give --action-signing-key-file, and its public key under that source")
      ])
    }
  }

  var shutdown: ShutdownPlan { ShutdownPlan(seconds: shutdownTimeoutSeconds) }

  var store: StoreConfiguration {
    var store = StoreConfiguration(directory: directory, topic: topic)
    // The store's budget cannot be switched off; a disk that large is not met.
    store.budgetBytes = budgetBytes == 0 ? .max : Int64(budgetBytes)
    store.sealingKey = sealingKey
    return store
  }

  var ingest: IngestConfiguration {
    var ingest = IngestConfiguration(kafka: kafka, topic: topic, deadLetterTopic: deadLetterTopic)
    ingest.defaultTimeToLiveSeconds = defaultTimeToLiveSeconds
    ingest.proof = proof
    return ingest
  }

  var queueMetadata: QueueMetadataConfiguration {
    var queues = QueueMetadataConfiguration(kafka: kafka, topic: queuesTopic, auditDefault: auditDefault)
    queues.createsTopic = true
    return queues
  }

  var emitter: ActionEmitterConfiguration {
    var emitter = ActionEmitterConfiguration(kafka: kafka)
    emitter.topic = topic
    emitter.source = "/strandline/feed"
    emitter.checksum = checksum
    emitter.signingKey = signingKey
    // Someone waits for the answer to a POST; most clients give up before half a minute.
    emitter.acknowledgementTimeout = .seconds(10)
    return emitter
  }

  var feed: FeedServerConfiguration {
    var feed = FeedServerConfiguration(
      listen: ListenAddress(host: listen.bindHost, port: listen.port),
      management: managementListen.map { ListenAddress(host: $0.bindHost, port: $0.port) })
    feed.archive = archiveURL.map { ArchiveLink(url: $0, topic: topic) }
    feed.aceQueue = aceQueue
    return feed
  }
}

extension Settings {
  /// How to reach Kafka; names and values of properties are judged by librdkafka itself.
  func kafka() throws(ConfigurationError) -> KafkaConfiguration {
    let servers = try value(SettingsTable.bootstrapServers)
    var kafka = KafkaConfiguration(bootstrapServers: servers)
    // One at a time, so that the fault names where the property came from.
    for property in kafkaProperties {
      let alone = KafkaConfiguration(bootstrapServers: servers, properties: [property.name: property.value])
      do throws(KafkaError) { try alone.validated() } catch {
        throw ConfigurationError(problems: [.init(origin: property.origin, message: error.message)])
      }
      kafka.properties[property.name] = property.value
    }
    return kafka
  }
}
