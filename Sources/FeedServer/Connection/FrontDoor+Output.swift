import NIOCore

/// What goes out, and how much of it the client has taken.
extension FrontDoor {
  func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
    guard case .byteBuffer(let bytes) = unwrapOutboundIn(data) else { return context.write(data, promise: promise) }
    write(bytes, context, promise: promise)
  }

  /// Writes bytes and counts them: what a client leaves unread is bounded, for all of them together.
  func write(_ bytes: ByteBuffer, _ context: ChannelHandlerContext, promise: EventLoopPromise<Void>? = nil) {
    let count = bytes.readableBytes
    bytesWritten &+= count
    guard count >= settings.limits.writeBytesMin else {
      return context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: promise)
    }
    let written = promise ?? context.eventLoop.makePromise(of: Void.self)
    let budget = settings.core.budget
    budget.take(count)
    written.futureResult.whenComplete { _ in budget.release(count) }
    context.write(wrapOutboundOut(.byteBuffer(bytes)), promise: written)
  }

  /// Whether the client has taken enough of what it was sent since this was last asked.
  func hasProgressed(_ context: ChannelHandlerContext) -> Bool {
    let buffered = try? context.channel.syncOptions?.getOption(ChannelOptions.bufferedWritableBytes)
    let taken = bytesWritten &- (buffered ?? bytesWritten)
    defer { bytesTaken = taken }
    return taken &- bytesTaken >= settings.limits.writeBytesMin
  }
}
