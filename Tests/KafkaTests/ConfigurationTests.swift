import Kafka
import Testing

@Suite struct ConfigurationTests {
  private func configuration(_ properties: [String: String], servers: String = "127.0.0.1:9") -> KafkaConfiguration {
    KafkaConfiguration(bootstrapServers: servers, properties: properties)
  }

  private func failure(of configuration: KafkaConfiguration) -> KafkaError? {
    do throws(KafkaError) {
      try configuration.validated()
      return nil
    } catch {
      return error
    }
  }

  @Test func anyPropertyOfLibrdkafkaPassesThrough() throws {
    try configuration([
      "security.protocol": "sasl_ssl", "sasl.mechanism": "SCRAM-SHA-512", "sasl.username": "u", "sasl.password": "p",
      "linger.ms": "50", "compression.codec": "lz4", "message.timeout.ms": "1000", "fetch.min.bytes": "1",
      "debug": "broker,topic",
    ]).validated()
  }

  @Test func anUnknownPropertyIsRefusedAndTheNearestNameIsTold() throws {
    let error = try #require(failure(of: configuration(["linger.msec": "5"])))
    #expect(error.code == KafkaError.Code.invalidArgument)
    #expect(error.message.contains("No such configuration property: \"linger.msec\""))
    #expect(error.message.contains("linger.ms"))
    #expect(!error.isRetriable)
    #expect(try #require(failure(of: configuration(["no.such.thing": "1"]))).message.contains("did you mean") == false)
  }

  @Test func aValueOutOfRangeIsRefusedInLibrdkafkasWords() throws {
    let error = try #require(failure(of: configuration(["socket.timeout.ms": "1"])))
    #expect(
      error.message == "Configuration property \"socket.timeout.ms\" value 1 is outside allowed range 10..300000")
    #expect(try #require(failure(of: configuration(["acks": "some"]))).message.contains("acks"))
  }

  @Test func aSecretIsShownNeitherInDescriptionsNorInErrors() throws {
    let secret = "hunter2"
    let configuration = configuration([
      "sasl.password": secret, "ssl.key.password": secret, "sasl.oauthbearer.client.secret": secret,
      "ssl.key.pem": secret, "client.id": "shown",
    ])
    var dumped = ""
    dump(configuration, to: &dumped)
    for text in ["\(configuration)", String(reflecting: configuration), dumped] {
      #expect(!text.contains(secret))
      #expect(text.contains("shown"))
    }
    #expect("\(configuration)".contains("sasl.password=[redacted]"))
    #expect(configuration["sasl.password"] == secret)

    var wrong = configuration
    wrong.properties = ["sasl.oauthbearer.client.secret": "nul \0 \(secret)"]
    #expect(try #require(failure(of: wrong)).description.contains(secret) == false)
  }

  @Test(arguments: ["", " ", "a:9092,", ":9092", "host:", "host:port", "host:70000", "host:0", "PLAINTEXT://"])
  func serversThatCannotBeMeantAreRefused(_ servers: String) throws {
    #expect(try #require(failure(of: configuration([:], servers: servers))).message.contains("bootstrap.servers"))
  }

  @Test(arguments: ["host", "host:9092", "a:1,b:2", "a:1, b:2", "[::1]:9092", "[::1]", "SASL_SSL://host:9092"])
  func serversInEveryKnownFormAreTaken(_ servers: String) throws {
    try configuration([:], servers: servers).validated()
  }

  @Test func propertiesThatWouldBreakPromisesAreRefused() throws {
    let error = try #require(failure(of: configuration(["delivery.report.only.error": "true"])))
    #expect(error.message.contains("delivery.report.only.error"))
  }

  @Test func serversThatAreGivenTwiceAreRefused() throws {
    #expect(try #require(failure(of: configuration(["metadata.broker.list": "other:1"]))).message.contains("twice"))
  }

  @Test func contradictionsAreFoundWhenAClientIsMade() throws {
    #expect {
      try KafkaProducer(configuration: configuration(["acks": "1"]))
    } throws: { error in
      (error as? KafkaError)?.message.contains("acks") == true
    }
    #expect(throws: KafkaError.self) { try KafkaConsumer(configuration: configuration(["group.id": ""])) }
    #expect(throws: KafkaError.self) { try KafkaAdmin(configuration: configuration(["nope": ""])) }
  }

  @Test func theServersAreReachedByTheirPropertyName() {
    var configuration = configuration(["linger.ms": "5"])
    #expect(configuration["bootstrap.servers"] == "127.0.0.1:9")
    configuration["bootstrap.servers"] = "b:1"
    configuration["linger.ms"] = nil
    #expect(configuration == KafkaConfiguration(bootstrapServers: "b:1"))
  }
}
