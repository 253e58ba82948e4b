#!/bin/sh
# Makes /tls/{ca,node}.{crt,key} once: a private authority and one certificate that names every service.
set -eu
cd /tls
chown nobody /archive
[ -f node.crt ] && exit 0
names=""
for kind in storage memds gac router archiver scrubber autoadmin canary; do
  for zone in a b c; do names="$names,DNS:$kind-$zone,DNS:$kind-${zone}2"; done # the second: nodes that are added later
done
openssl ecparam -name prime256v1 -genkey -noout -out ca.key
openssl req -x509 -new -key ca.key -sha256 -days 3650 -subj "/CN=Tercet compose authority" -out ca.crt
openssl ecparam -name prime256v1 -genkey -noout -out node.key
openssl req -new -key node.key -subj "/CN=tercet" -out node.csr
printf 'subjectAltName=DNS:localhost,IP:127.0.0.1%s\nextendedKeyUsage=serverAuth,clientAuth\n' "$names" >ext
openssl x509 -req -in node.csr -CA ca.crt -CAkey ca.key -CAcreateserial -sha256 -days 3650 -extfile ext -out node.crt
rm -f node.csr ext
chown nobody node.key node.crt ca.crt
chmod 0600 node.key ca.key
