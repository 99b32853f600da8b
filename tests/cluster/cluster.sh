#!/usr/bin/env bash
# A minimal Kubernetes control plane on 127.0.0.1: etcd, kube-apiserver and kube-controller-manager, on free ports.
#   cluster.sh run DIR    starts it, prints `ready KUBECONFIG`, and ends it when standard input closes or on SIGTERM; a test
#                         that holds the other end of standard input cannot leave it behind, however the test ends
#   cluster.sh up DIR     starts it and prints the kubeconfig's path
#   cluster.sh down DIR   ends the processes that `up` started, and no others: pid and start time must both be theirs
# DIR holds keys, data, logs and pids; it is made when absent and never removed here.
# There is no kubelet, no scheduler and no container runtime: pods stay Pending until somebody patches pods/status.
# The binaries come from KUBEBUILDER_ASSETS when it is set, else kube-* from the cache that build.sh fills and etcd from PATH.
# EXTRA_APISERVER_ARGS holds further arguments for kube-apiserver, split at spaces.
set -euo pipefail

cache=${XDG_CACHE_HOME:-$HOME/.cache}/governance-gates/cluster

binary() {
  local path
  if [ -n "${KUBEBUILDER_ASSETS:-}" ]; then path=$KUBEBUILDER_ASSETS/$1
  elif [ "$1" = etcd ]; then path=$(command -v etcd || echo /usr/bin/etcd)
  else path=$cache/$1; fi
  [ -x "$path" ] || { echo "there is no $1 at $path; run tests/prepare.sh, or name a folder with the binaries in KUBEBUILDER_ASSETS" >&2; return 1; }
  echo "$path"
}

# Field 22 of stat, counted from behind the name, which may hold spaces: the same pid started later has another.
start_time() { sed -e 's/^.*) //' "/proc/$1/stat" 2> /dev/null | cut -d' ' -f20; }

alive() {
  local pid started
  read -r pid started < "$dir/pids/$1" 2> /dev/null && [ -n "$started" ] && [ "$(start_time "$pid")" = "$started" ]
}

down() {
  local name pid tenths
  for name in kube-controller-manager kube-apiserver etcd; do
    if [ -f "$dir/pids/$name" ] && alive "$name"; then
      read -r pid _ < "$dir/pids/$name"
      kill -TERM "$pid" 2> /dev/null || true
      for tenths in $(seq 1 100); do
        alive "$name" || break
        [ "$tenths" != 50 ] || kill -KILL "$pid" 2> /dev/null || true
        sleep 0.1
      done
    fi
    rm -f "$dir/pids/$name"
  done
}

# Below the range that the kernel gives to outgoing connections; not in use, and not handed out before.
free_port() {
  local candidate
  while :; do
    candidate=$((20000 + RANDOM % 12000))
    case " ${used_ports:-} " in *" $candidate "*) continue ;; esac
    if (exec 3<> "/dev/tcp/127.0.0.1/$candidate") 2> /dev/null; then continue; fi
    used_ports="${used_ports:-} $candidate"
    port=$candidate
    return
  done
}

new_key() { openssl ecparam -name prime256v1 -genkey -noout -out "$1" 2> /dev/null; }

# name, common name, organisation, alternative names
certificate() {
  new_key "$pki/$1.key"
  openssl req -new -key "$pki/$1.key" -subj "/O=$3/CN=$2" -out "$pki/$1.csr" 2> /dev/null
  {
    printf 'basicConstraints=CA:FALSE\nkeyUsage=digitalSignature\nextendedKeyUsage=serverAuth,clientAuth\n'
    [ -z "${4:-}" ] || printf 'subjectAltName=%s\n' "$4"
  } > "$pki/$1.ext"
  openssl x509 -req -in "$pki/$1.csr" -CA "$pki/ca.crt" -CAkey "$pki/ca.key" -CAcreateserial -days 2 -out "$pki/$1.crt" -extfile "$pki/$1.ext" 2> /dev/null
}

kubeconfig() {
  (umask 077 && cat > "$dir/$1.kubeconfig") <<K
apiVersion: v1
kind: Config
clusters: [{name: c, cluster: {server: "https://127.0.0.1:$api_port", certificate-authority-data: $(base64 -w0 "$pki/ca.crt")}}]
users: [{name: u, user: {client-certificate-data: $(base64 -w0 "$pki/$1.crt"), client-key-data: $(base64 -w0 "$pki/$1.key")}}]
contexts: [{name: x, context: {cluster: c, user: u}}]
current-context: x
K
}

# Standard input and output are not inherited: what waits for their end would wait for the cluster's.
spawn() {
  local name=$1
  shift
  setsid "$@" > "$dir/log/$name.log" 2>&1 < /dev/null &
  local pid=$!
  echo "$pid $(start_time "$pid")" > "$dir/pids/$name"
  disown "$pid"
}

give_up() {
  echo "$1" >&2
  tail -n 20 "$dir/log/$2.log" >&2
  down
  exit 1
}

# URL, seconds, name of the process, further arguments for curl
await() {
  local url=$1 name=$3 end=$((SECONDS + $2))
  shift 3
  until curl -fsS -o /dev/null --max-time 2 "$@" "$url" 2> /dev/null; do
    alive "$name" || give_up "$name ended; its log says:" "$name"
    [ $SECONDS -lt $end ] || give_up "$name did not answer at $url in time; its log says:" "$name"
    sleep 0.1
  done
}

up() {
  local apiserver controller_manager etcd etcd_port peer_port controller_port
  apiserver=$(binary kube-apiserver)
  controller_manager=$(binary kube-controller-manager)
  etcd=$(binary etcd)
  mkdir -p "$dir"/{pki,log,pids,etcd}
  free_port; etcd_port=$port
  free_port; peer_port=$port
  free_port; api_port=$port
  free_port; controller_port=$port

  new_key "$pki/ca.key"
  openssl req -x509 -new -key "$pki/ca.key" -subj /CN=test-ca -days 2 -out "$pki/ca.crt" \
    -addext basicConstraints=critical,CA:TRUE -addext keyUsage=critical,keyCertSign,cRLSign 2> /dev/null
  certificate apiserver kube-apiserver kube IP:127.0.0.1,IP:10.0.0.1,DNS:localhost,DNS:kubernetes,DNS:kubernetes.default,DNS:kubernetes.default.svc
  certificate admin admin system:masters
  certificate kcm system:kube-controller-manager system:kube-controller-manager
  # An authenticated user without any rights, for tests of RBAC.
  certificate nobody nobody nobody
  new_key "$pki/sa.key"
  openssl ec -in "$pki/sa.key" -pubout -out "$pki/sa.pub" 2> /dev/null
  kubeconfig admin
  kubeconfig kcm
  kubeconfig nobody

  # The data is thrown away, so nothing is synced to disk.
  spawn etcd "$etcd" --name t --data-dir "$dir/etcd" --unsafe-no-fsync --log-level warn \
    --listen-client-urls "http://127.0.0.1:$etcd_port" --advertise-client-urls "http://127.0.0.1:$etcd_port" \
    --listen-peer-urls "http://127.0.0.1:$peer_port" --initial-advertise-peer-urls "http://127.0.0.1:$peer_port" \
    --initial-cluster "t=http://127.0.0.1:$peer_port"
  await "http://127.0.0.1:$etcd_port/health" 30 etcd

  # Flags that some versions lack are asked of the binary. pods/ephemeralcontainers is behind a gate until 1.23.
  local -a api_flags=() controller_flags=()
  case $("$apiserver" --help) in *'EphemeralContainers=true|false'*) api_flags+=(--feature-gates EphemeralContainers=true) ;; esac
  case $("$controller_manager" --help) in *'--port int '*) controller_flags+=(--port=0) ;; esac
  read -r -a extra <<< "${EXTRA_APISERVER_ARGS:-}"
  # Loopback may not stand in the `kubernetes` Endpoints object, so nothing reconciles it.
  spawn kube-apiserver "$apiserver" --etcd-servers "http://127.0.0.1:$etcd_port" --bind-address 127.0.0.1 --secure-port "$api_port" \
    --advertise-address 127.0.0.1 --endpoint-reconciler-type none --service-cluster-ip-range 10.0.0.0/24 \
    --client-ca-file "$pki/ca.crt" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --authorization-mode RBAC --allow-privileged=true --profiling=false \
    --enable-admission-plugins NamespaceLifecycle,ServiceAccount,LimitRanger,ResourceQuota,MutatingAdmissionWebhook,ValidatingAdmissionWebhook \
    --disable-admission-plugins StorageObjectInUseProtection,RuntimeClass,DefaultStorageClass,PersistentVolumeClaimResize,Priority \
    --service-account-issuer https://kubernetes.default.svc --service-account-key-file "$pki/sa.pub" \
    --service-account-signing-key-file "$pki/sa.key" --v=1 "${api_flags[@]}" "${extra[@]}"
  local -a admin=(--cacert "$pki/ca.crt" --cert "$pki/admin.crt" --key "$pki/admin.key")
  await "https://127.0.0.1:$api_port/readyz" 90 kube-apiserver "${admin[@]}"

  # One replica, so no leader is elected.
  spawn kube-controller-manager "$controller_manager" --kubeconfig "$dir/kcm.kubeconfig" --leader-elect=false \
    --bind-address 127.0.0.1 --secure-port "$controller_port" --tls-cert-file "$pki/apiserver.crt" --tls-private-key-file "$pki/apiserver.key" \
    --authentication-skip-lookup=true --authorization-always-allow-paths=/healthz \
    --use-service-account-credentials=true --service-account-private-key-file "$pki/sa.key" --root-ca-file "$pki/ca.crt" \
    --kube-api-qps 200 --kube-api-burst 400 --profiling=false "${controller_flags[@]}" \
    --controllers deployment,replicaset,replicationcontroller,statefulset,daemonset,job,cronjob,garbagecollector,namespace,serviceaccount,serviceaccount-token,root-ca-cert-publisher,endpoint,endpointslice,disruption,resourcequota,clusterrole-aggregation,podgc
  await "https://127.0.0.1:$controller_port/healthz" 60 kube-controller-manager --cacert "$pki/ca.crt"
  # Pods are refused until the namespace has its default ServiceAccount.
  await "https://127.0.0.1:$api_port/api/v1/namespaces/default/serviceaccounts/default" 30 kube-controller-manager "${admin[@]}"
}

usage() { sed -n '3,7s/^# *//p' "$0" >&2; exit 64; }

[ $# = 2 ] || usage
dir=$(realpath -m "$2")
pki=$dir/pki
case $1 in
  run)
    trap down EXIT
    trap 'exit 143' TERM INT HUP
    up
    echo "ready $dir/admin.kubeconfig"
    # `read` and not a child process: a signal is handled at once.
    while read -r _; do :; done
    ;;
  up) up; echo "$dir/admin.kubeconfig" ;;
  down) down ;;
  *) usage ;;
esac
