import Kafka
import Logging
import ObjectStores

/// Stores what one partition's reader has built, one step after the other, in a task of its own.
///
/// The order of a cut: its record, its objects, and only then `durable`. A step that fails is tried again for as long
/// as it takes, unless trying again cannot help: then the partition stops, and nothing of it is skipped.
final class PartitionUploads: Sendable {
  enum Step: Sendable {
    case cut(PendingCut, isRedone: Bool)
    /// A period is over: its manifest, also when nothing was in it. `next` is where the partition stands.
    case close(startMilliseconds: Int64, next: Int64)
    /// The present end of `--once`: a manifest of what is in none, and a first one where there is none at all.
    case seal(startMilliseconds: Int64, next: Int64)
  }

  /// What the reader is told.
  enum Event: Sendable {
    case recovered(ChainRecovery.Found)
    /// A step is done; everything before `next` is durable.
    case done(next: Int64?, cut: CutRecord?)
    case manifest(Manifest)
    /// Another process has cut differently: begin anew from what the store has.
    case superseded
    /// The store does not take it, and is tried again.
    case failing(String)
    case stopped(ArchiveStop)
    /// An object could not be packed.
    case notBuilt(ArchiveError)
  }

  private let steps: AsyncStream<Step>.Continuation
  private let task: Task<Void, Never>

  init(
    partition: Int32, configuration: ArchiveConfiguration, store: any ObjectStore, logger: Logger,
    report: @escaping @Sendable (Event) -> Void
  ) {
    let (stream, steps) = AsyncStream.makeStream(of: Step.self)
    self.steps = steps
    task = Task {
      let worker = UploadWorker(
        partition: partition, configuration: configuration, store: store, logger: logger, report: report)
      await worker.run(stream)
    }
  }

  func submit(_ step: Step) { steps.yield(step) }

  /// Ends after the steps submitted.
  func finish() { steps.finish() }

  /// Gives up what is under way; it will be made again.
  func cancel() {
    task.cancel()
    steps.finish()
  }

  func ended() async { await task.value }
}

/// Why a partition is not archived any more, until somebody has looked.
package struct ArchiveStop: Sendable, Equatable {
  package var reason: String
  /// The store cannot be reached (`--once` only; a service waits).
  package var isUnavailable: Bool
}

/// The work of a partition's task.
private struct UploadWorker {
  let partition: Int32
  let configuration: ArchiveConfiguration
  let store: any ObjectStore
  let logger: Logger
  let report: @Sendable (PartitionUploads.Event) -> Void

  private var layout: ArchiveLayout { configuration.layout }

  init(
    partition: Int32, configuration: ArchiveConfiguration, store: any ObjectStore, logger: Logger,
    report: @escaping @Sendable (PartitionUploads.Event) -> Void
  ) {
    self.partition = partition
    self.configuration = configuration
    self.store = store
    self.logger = logger
    self.report = report
  }

  /// Ends quietly when cancelled.
  func run(_ steps: AsyncStream<PartitionUploads.Step>) async {
    do {
      var chain = try await recover()
      for await step in steps {
        defer { if case .cut(let cut, _) = step { cut.discard() } }
        // A cancelled task only throws its files away.
        if Task.isCancelled { continue }
        do {
          try await carryOut(step, &chain)
        } catch let failure as NotBuilt {
          try Task.checkCancellation()
          report(.notBuilt(failure.error))
          break
        } catch is Superseded {
          report(.superseded)
          break
        }
      }
    } catch is CancellationError {
    } catch {
      report(.stopped(Self.stop(error)))
    }
    for await rest in steps { if case .cut(let cut, _) = rest { cut.discard() } }
  }

  private struct Superseded: Error {}
  private struct NotBuilt: Error { let error: ArchiveError }

  // MARK: Steps

  private func recover() async throws -> PartitionChain {
    var found = try await retrying("read where the archive stands") {
      try await ChainRecovery(store: store, topic: layout.topic, partition: partition).run()
    }
    if let manifest = found.manifest { try await sign(manifest) }
    // Cuts of another period length are sealed as they are: one manifest has one length.
    if let cut = found.chain.cuts.last, cut.periodSeconds != layout.period.seconds {
      try await put(
        found.chain.manifest(
          startMilliseconds: cut.startMilliseconds, periodSeconds: cut.periodSeconds, state: .open,
          emptyOffset: cut.first, signer: signerFingerprint), &found.chain)
    }
    try await sealIfLarge(&found.chain)
    report(.recovered(found))
    return found.chain
  }

  /// A manifest must stay readable: a period with very many objects has several. Where they end follows from the cuts.
  private func sealIfLarge(_ chain: inout PartitionChain) async throws {
    guard let cut = chain.cuts.last, chain.cuts.reduce(0, { $0 + $1.objects.count }) >= Self.manifestObjectsMax else {
      return
    }
    let manifest = chain.manifest(
      startMilliseconds: cut.startMilliseconds, periodSeconds: cut.periodSeconds, state: .open, emptyOffset: cut.first,
      signer: signerFingerprint)
    try await put(manifest, &chain)
  }

  private static let manifestObjectsMax = 10_000

  private func carryOut(_ step: PartitionUploads.Step, _ chain: inout PartitionChain) async throws {
    switch step {
    case .cut(let pending, let isRedone):
      let cut: BuiltCut
      do { cut = try await pending.built() } catch { throw NotBuilt(error: error) }
      try await put(cut, isRedone: isRedone)
      chain.add(cut.record)
      report(.done(next: chain.nextOffset, cut: cut.record))
      try await sealIfLarge(&chain)
    case .close(let start, let next):
      let manifest = chain.manifest(
        startMilliseconds: start, periodSeconds: layout.period.seconds, state: .closed, emptyOffset: next,
        signer: signerFingerprint)
      try await put(manifest, &chain)
      report(.done(next: nil, cut: nil))
    case .seal(let start, let next):
      if !chain.cuts.isEmpty || chain.previous == nil {
        let manifest = chain.manifest(
          startMilliseconds: start, periodSeconds: layout.period.seconds, state: .open, emptyOffset: next,
          signer: signerFingerprint)
        try await put(manifest, &chain)
      }
      report(.done(next: nil, cut: nil))
    }
  }

  private func put(_ cut: BuiltCut, isRedone: Bool) async throws {
    let record = cut.record.bytes
    let key = cut.record.key.text
    do {
      try await put(key, record)
    } catch let error as ObjectStoreError where error.code == .conflict {
      guard isRedone else { throw Superseded() }
      throw ArchiveError(
        .conflict,
        "the objects of \(key) were to be made again and came out different: the topic has lost records of it since, or "
          + "settings, the program or its compression library changed. Finish it with what was there before; or, to have "
          + "the archive go on with what the topic holds now, remove \(key) from the store")
    }
    for object in cut.objects {
      let new = NewObject(
        key: object.record.key, content: .file(path: object.path, size: object.record.bytes),
        sha256: object.record.content.sha256, contentType: "application/x-ndjson")
      _ = try await retrying("store \(object.record.key)") { try await store.put(new) }
    }
  }

  private func put(_ manifest: Manifest, _ chain: inout PartitionChain) async throws {
    let bytes = manifest.bytes
    try await put(manifest.key.text, bytes)
    try await sign(manifest)
    chain.follow(manifest, hash: Manifest.hash(bytes))
    report(.manifest(manifest))
  }

  private var signerFingerprint: [UInt8]? { configuration.signer?.publicKey.fingerprint }

  /// Stores a manifest's signature, if the configured key is the one it names.
  private func sign(_ manifest: Manifest) async throws {
    guard let signer = configuration.signer, manifest.signer == signerFingerprint else { return }
    try await put(
      manifest.signatureKey.text, try signer.signature(of: manifest.bytes), contentType: "application/octet-stream")
  }

  private func put(_ key: String, _ bytes: [UInt8], contentType: String = "application/json") async throws {
    let object = NewObject(
      key: key, content: .bytes(bytes), sha256: Manifest.hash(bytes), contentType: contentType)
    _ = try await retrying("store \(key)") { try await store.put(object) }
  }

  // MARK: Trying again

  private func retrying<Value: Sendable>(_ what: String, _ body: () async throws -> Value) async throws -> Value {
    var wait = configuration.retryMilliseconds
    let started = ContinuousClock.now
    while true {
      try Task.checkCancellation()
      do { return try await body() } catch let error as ObjectStoreError {
        try Task.checkCancellation()
        guard isWorthRetrying(error, since: started) else { throw error }
        report(.failing("\(error)"))
        logger.warning(
          "The object store does not answer as it should; trying again",
          metadata: ["partition": "\(partition)", "to": "\(what)", "error": "\(error)", "inMilliseconds": "\(wait)"])
      }
      try await Task.sleep(for: .milliseconds(Int64.random(in: wait / 2...wait)))
      wait = min(wait * 2, configuration.retryMillisecondsMax)
    }
  }

  /// A service waits for whatever somebody may mend; `--once` ends, so that cron tells.
  private func isWorthRetrying(_ error: ObjectStoreError, since started: ContinuousClock.Instant) -> Bool {
    switch error.code {
    case .conflict, .invalidConfiguration, .notSupported: return false
    default: break
    }
    guard configuration.once else { return true }
    return error.isRetriable && ContinuousClock.now - started < .milliseconds(configuration.oncePatienceMilliseconds)
  }

  private static func stop(_ error: any Error) -> ArchiveStop {
    guard let error = error as? ObjectStoreError else {
      return ArchiveStop(reason: "\(error)", isUnavailable: false)
    }
    let isUnavailable = error.isRetriable || [.unavailable, .unauthorized, .forbidden].contains(error.code)
    return ArchiveStop(reason: "\(error)", isUnavailable: isUnavailable)
  }
}
